//! Columns as pages, and the footer that leads to them.
//!
//! The parquet crate's own writers of columns take decimals of 16 bytes one by one, each with an
//! allocation; here a column goes from a slice to its pages. Headers and footer are the crate's.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, OffsetIndexBuilder, ParquetMetaDataBuilder, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::page_index::offset_index::OffsetIndexMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::SchemaDescPtr;
use zstd::bulk::Compressor;

use super::{delta, wide};

/// Rows of a page; one of wide decimals is a megabyte before compression.
const PAGE: usize = 1 << 16;
/// Higher levels cost much and save little; see `docs/lake.md`.
const LEVEL: i32 = 1;

/// A Parquet file that is being written, column after column.
pub(crate) struct FileWriter<W: Write> {
    sink: TrackedWrite<W>,
    schema: SchemaDescPtr,
    /// Of the row group that is being written.
    chunks: Vec<ColumnChunkMetaData>,
    offsets: Vec<Vec<OffsetIndexMetaData>>,
    row_groups: Vec<RowGroupMetaData>,
    compressor: Compressor<'static>,
    /// A page before its compression.
    plain: Vec<u8>,
}

impl<W: Write + Send> FileWriter<W> {
    pub(crate) fn new(sink: W, schema: SchemaDescPtr) -> Result<Self, ParquetError> {
        let mut sink = TrackedWrite::new(sink);
        sink.write_all(b"PAR1")?;
        Ok(Self {
            sink,
            schema,
            chunks: Vec::new(),
            offsets: vec![Vec::new()],
            row_groups: Vec::new(),
            compressor: Compressor::new(LEVEL)?,
            plain: Vec::new(),
        })
    }

    /// The next column, of numbers whose neighbours are alike.
    pub(crate) fn numbers<T: Copy>(&mut self, column: &[T], number: impl Fn(T) -> i64) -> Result<(), ParquetError> {
        self.column(column, Encoding::DELTA_BINARY_PACKED, None, |values, compressor, plain| {
            delta::encode(values, &number, plain);
            Ok(compressor.compress(plain)?)
        })
    }

    /// The next column, of times, which readers prune by.
    pub(crate) fn times<T: Copy>(&mut self, column: &[T], micros: impl Fn(T) -> i64) -> Result<(), ParquetError> {
        let smallest = column.iter().map(|time| micros(*time)).min();
        let largest = column.iter().map(|time| micros(*time)).max();
        let statistics = Statistics::int64(smallest, largest, None, Some(0), false);
        self.column(column, Encoding::DELTA_BINARY_PACKED, Some(statistics), |values, compressor, plain| {
            delta::encode(values, &micros, plain);
            Ok(compressor.compress(plain)?)
        })
    }

    /// The next column, of wide decimals.
    pub(crate) fn decimals<T: Copy>(&mut self, column: &[T], units: impl Fn(T) -> i128) -> Result<(), ParquetError> {
        self.column(column, Encoding::PLAIN, None, |values, compressor, plain| {
            let mut page = Vec::with_capacity(values.len() * 8);
            if wide::compress(values, &units, &mut page) {
                plain.resize(values.len() * 16, 0);
                return Ok(page);
            }
            plain.extend(values.iter().flat_map(|value| units(*value).to_be_bytes()));
            Ok(compressor.compress(plain)?)
        })
    }

    /// A column, page by page. `encode` leaves the page in its last argument and gives it
    /// compressed.
    fn column<T>(
        &mut self,
        column: &[T],
        encoding: Encoding,
        statistics: Option<Statistics>,
        mut encode: impl FnMut(&[T], &mut Compressor<'static>, &mut Vec<u8>) -> Result<Vec<u8>, ParquetError>,
    ) -> Result<(), ParquetError> {
        let from = self.sink.bytes_written();
        let (mut offsets, mut plain_size) = (OffsetIndexBuilder::new(), 0);
        for values in column.chunks(PAGE) {
            self.plain.clear();
            let page = encode(values, &mut self.compressor, &mut self.plain)?;
            let page = Page::DataPage {
                buf: Bytes::from(page),
                num_values: values.len() as u32,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let page = CompressedPage::new(page, self.plain.len());
            let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
            offsets.append_row_count(values.len() as i64);
            offsets.append_offset_and_size(written.offset as i64, written.compressed_size as i32);
            plain_size += written.uncompressed_size;
        }
        let mut chunk = ColumnChunkMetaData::builder(self.schema.column(self.chunks.len()))
            .set_encodings(vec![Encoding::RLE, encoding])
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_num_values(column.len() as i64)
            .set_data_page_offset(from as i64)
            .set_total_compressed_size((self.sink.bytes_written() - from) as i64)
            .set_total_uncompressed_size(plain_size as i64);
        if let Some(statistics) = statistics {
            chunk = chunk.set_statistics(statistics);
        }
        self.chunks.push(chunk.build()?);
        self.offsets[self.row_groups.len()].push(offsets.build());
        Ok(())
    }

    /// Closes a row group, all of whose columns have been written.
    pub(crate) fn end_row_group(&mut self) -> Result<(), ParquetError> {
        let chunks = std::mem::take(&mut self.chunks);
        let group = RowGroupMetaData::builder(Arc::clone(&self.schema))
            .set_num_rows(chunks.first().map_or(0, ColumnChunkMetaData::num_values))
            .set_total_byte_size(chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum())
            .set_file_offset(chunks.first().map_or(0, ColumnChunkMetaData::data_page_offset))
            .set_ordinal(i16::try_from(self.row_groups.len()).expect("row groups are a million rows each"))
            .set_column_metadata(chunks)
            .build()?;
        self.row_groups.push(group);
        self.offsets.push(Vec::new());
        Ok(())
    }

    /// The footer, with an entry of ours.
    pub(crate) fn finish(mut self, entry: KeyValue) -> Result<(), ParquetError> {
        self.offsets.pop();
        let rows = self.row_groups.iter().map(RowGroupMetaData::num_rows).sum();
        let creator = Some("candlewick".to_owned());
        let file = FileMetaData::new(1, rows, creator, Some(vec![entry]), self.schema, None);
        let metadata = ParquetMetaDataBuilder::new(file)
            .set_row_groups(self.row_groups)
            .set_offset_index(Some(self.offsets))
            .build();
        ParquetMetaDataWriter::new_with_tracked(self.sink, &metadata).finish()
    }
}
