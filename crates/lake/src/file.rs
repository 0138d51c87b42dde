//! One Parquet file: bars and what the file says of itself into bytes and back.

use std::cell::RefCell;
use std::path::PathBuf;

use candlewick_model::{Amounts, Bars, Price, Times};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Encoding;

use crate::columns::SCHEMA;
use crate::encode::{delta, encode, wide};
use crate::error::LakeError;
use crate::footer;
use crate::layout::SeriesName;
use crate::pages::{self, ColumnPage, Workspace};
use crate::provenance::{KEY, Provenance};
use crate::store::{Content, Place, Version};

/// Writes bars to a place, which must still be in the state in which it was read.
pub(crate) fn write(place: &Place, over: &Version, bars: &Bars, provenance: &Provenance) -> Result<u64, LakeError> {
    let bytes = encode(bars, provenance).map_err(LakeError::parquet(place))?;
    let size = bytes.len() as u64;
    place.replace(bytes, over)?;
    Ok(size)
}

/// A file that was opened: its footer has been read.
pub(crate) struct OpenFile {
    path: PathBuf,
    content: Content,
    metadata: ArrowReaderMetadata,
    /// What it says of itself.
    pub(crate) provenance: Provenance,
    /// Its state.
    pub(crate) version: Version,
}

impl OpenFile {
    /// Opens a file of a series. What is no such file is an error that says so.
    pub(crate) fn open(place: &Place, series: &SeriesName) -> Result<Self, LakeError> {
        let (content, version) = place.content()?;
        let options = ArrowReaderOptions::new().with_schema(SCHEMA.clone());
        let metadata = ArrowReaderMetadata::load(&content, options).map_err(LakeError::parquet(place))?;
        let entries = metadata.metadata().file_metadata().key_value_metadata();
        let json = entries.and_then(|list| list.iter().find(|kv| kv.key == KEY)).and_then(|kv| kv.value.as_deref());
        let provenance = footer::provenance(place, json, series)?;
        let rows = metadata.metadata().file_metadata().num_rows();
        if usize::try_from(rows) != Ok(provenance.rows) {
            return Err(LakeError::form(place, format!("it has {rows} rows, its footer says {}", provenance.rows)));
        }
        Ok(Self { path: place.to_path_buf(), content, metadata, provenance, version })
    }

    /// All its rows.
    pub(crate) fn read(self) -> Result<Bars, LakeError> {
        let rows = self.provenance.rows;
        let workspace = RefCell::new(Workspace::default());
        let numbers = |column| {
            let mut values = vec![0; rows];
            self.numbers(column, &mut values, &mut workspace.borrow_mut()).map(|()| values)
        };
        let amounts = |column| {
            let mut values = vec![0_i128; rows];
            self.decimals(column, &mut values, &mut workspace.borrow_mut(), |units| units)?;
            Ok::<_, LakeError>(Amounts::from(values))
        };
        let times = |column| self.times(column, &mut workspace.borrow_mut());
        let prices = |column| Ok::<_, LakeError>(numbers(column)?.into_iter().map(Price::from_units).collect());
        Ok(Bars {
            open_time: times(0)?,
            close_time: times(1)?,
            open: prices(2)?,
            high: prices(3)?,
            low: prices(4)?,
            close: prices(5)?,
            volume: amounts(6)?,
            quote_volume: amounts(7)?,
            taker_buy_volume: amounts(8)?,
            taker_buy_quote_volume: amounts(9)?,
            trades: numbers(10)?,
        })
    }

    /// A column of 64-bit numbers, by its place in the schema, into as many values as there are
    /// rows.
    pub(crate) fn numbers(
        &self,
        column: usize,
        values: &mut [i64],
        workspace: &mut Workspace,
    ) -> Result<(), LakeError> {
        self.column(column, Encoding::DELTA_BINARY_PACKED, values, workspace, |mut page, values| {
            delta::decode(page.plain(delta::size_at_most(values.len()))?, values)
        })
    }

    /// A column of times.
    pub(crate) fn times(&self, column: usize, workspace: &mut Workspace) -> Result<Times, LakeError> {
        let mut micros = std::mem::take(&mut workspace.micros);
        micros.resize(self.provenance.rows, 0);
        self.numbers(column, &mut micros, workspace)?;
        let mut times = Times::default();
        times.extend_from_micros(&micros);
        workspace.micros = micros;
        Ok(times)
    }

    /// A column of wide decimals, likewise.
    pub(crate) fn decimals<V>(
        &self,
        column: usize,
        values: &mut [V],
        workspace: &mut Workspace,
        mut of: impl FnMut(i128) -> V,
    ) -> Result<(), LakeError> {
        self.column(column, Encoding::PLAIN, values, workspace, |mut page, values| {
            if wide::decompress(page.bytes, values, &mut of).is_some() {
                return Some(());
            }
            let (units, []) = page.plain(values.len() * 16)?.as_chunks::<16>() else { return None };
            (units.len() == values.len()).then(|| {
                values.iter_mut().zip(units).for_each(|(value, units)| *value = of(i128::from_be_bytes(*units)));
            })
        })
    }

    /// A column, page by page. Files of a lake are of its own encodings.
    fn column<T>(
        &self,
        column: usize,
        wanted: Encoding,
        mut values: &mut [T],
        workspace: &mut Workspace,
        mut decode: impl FnMut(ColumnPage<'_>, &mut [T]) -> Option<()>,
    ) -> Result<(), LakeError> {
        let strange = |what: &str| LakeError::form(&self.path, format!("column {column}: {what}"));
        let parquet = |error| LakeError::parquet(&self.path)(error);
        for group in self.metadata.metadata().row_groups() {
            pages::each((&self.content, group, column), workspace, strange, parquet, |page| {
                if page.encoding != wanted {
                    return Err(strange("an encoding that is not the lake's"));
                }
                let of_page = values.split_off_mut(..page.values).ok_or_else(|| strange("too many values"))?;
                decode(page, of_page).ok_or_else(|| strange("a page that cannot be read"))
            })?;
        }
        if values.is_empty() { Ok(()) } else { Err(strange("too few values")) }
    }
}
