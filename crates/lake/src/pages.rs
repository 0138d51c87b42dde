//! The pages of a column, one after the other, in memory that the next one goes on using.
//!
//! The parquet crate walks from page to page; its decompression, which takes fresh memory for
//! every page and a context for every column, is left out. Not for: what values a page holds
//! (`encode`).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;

use crate::store::Content;

/// Memory for reading columns, as long as somebody reads.
#[derive(Default)]
pub(crate) struct Workspace {
    /// A column as it lies in its file.
    column: BytesMut,
    /// A page of it without compression.
    plain: Vec<u8>,
    decompressor: Decompressor<'static>,
    /// Times, before they are a column.
    pub(crate) micros: Vec<i64>,
}

/// A page of a column.
pub(crate) struct ColumnPage<'a> {
    /// As it lies in the file.
    pub(crate) bytes: &'a [u8],
    pub(crate) encoding: Encoding,
    /// How many values it holds.
    pub(crate) values: usize,
    is_compressed: bool,
    plain: &'a mut Vec<u8>,
    decompressor: &'a mut Decompressor<'static>,
}

impl ColumnPage<'_> {
    /// Without its compression; `None` if that cannot be undone, or gives more than a number of
    /// bytes.
    pub(crate) fn plain(&mut self, at_most: usize) -> Option<&[u8]> {
        if !self.is_compressed {
            return Some(self.bytes);
        }
        self.plain.clear();
        self.plain.reserve(at_most);
        self.decompressor.decompress_to_buffer(self.bytes, self.plain).ok()?;
        Some(self.plain)
    }
}

/// Goes through the pages of a column of a row group. What is no page of values, or compressed
/// otherwise than a lake's, is an error of `strange`'s making.
pub(crate) fn each<E>(
    (content, group, column): (&Content, &RowGroupMetaData, usize),
    workspace: &mut Workspace,
    strange: impl Fn(&str) -> E,
    parquet: impl Fn(ParquetError) -> E,
    mut visit: impl FnMut(ColumnPage<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let chunk = group.column(column);
    let is_compressed = match chunk.compression() {
        Compression::ZSTD(_) => true,
        Compression::UNCOMPRESSED => false,
        _ => return Err(strange("a compression that is not the lake's")),
    };
    let Workspace { column, plain, decompressor, .. } = workspace;
    let (start, length) = chunk.byte_range();
    content.read_into(start, length, column).map_err(&parquet)?;
    let bytes = std::mem::take(column).freeze();
    // As if it began here and were not compressed.
    let chunk = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
    let chunk = chunk.set_dictionary_page_offset(None).set_data_page_offset(0).build().map_err(&parquet)?;
    let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
    let mut pages = SerializedPageReader::new(Arc::new(bytes.clone()), &chunk, rows, None).map_err(&parquet)?;
    while let Some(page) = pages.get_next_page().map_err(&parquet)? {
        let Page::DataPage { buf, num_values, encoding, .. } = page else {
            return Err(strange("a page that is not the lake's"));
        };
        let values = num_values as usize;
        visit(ColumnPage { bytes: &buf, encoding, values, is_compressed, plain, decompressor })?;
    }
    drop(pages);
    *column = take_back(bytes);
    Ok(())
}

/// The memory behind bytes that nobody else has any more.
fn take_back(bytes: Bytes) -> BytesMut {
    bytes.try_into_mut().unwrap_or_default()
}
