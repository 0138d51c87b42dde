//! The file of a state: a header, then a line an entry, each behind a checksum of everything
//! before it.
//!
//! For: appending before anybody is answered, and finding out what is whole. A line is handed to
//! the system at once and survives the end of the process, however it ends; nothing is synced, so
//! that a power cut may take the last moments. Not for: what the lines mean.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc32fast::Hasher;

use super::End;
use super::header::{BEGINNING, Header};
use super::line::{Entry, Line};
use crate::ExchangeError;

/// Eight digits and a space.
const CHECKSUM_BYTES: usize = 9;
/// Headers are shorter by far.
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// An open file that nobody else has open.
pub struct StateFile {
    path: PathBuf,
    file: File,
    /// How far it is whole.
    length: u64,
    checksum: u32,
    /// It could not be cut off where it is whole; nothing more is written.
    is_broken: bool,
    header: Option<Header>,
    notes: Vec<String>,
}

/// What a file holds.
#[derive(Default)]
pub(crate) struct Kept {
    /// Everything that has happened: the number of the line and the line.
    pub(crate) lines: Vec<(usize, Arc<str>)>,
    /// Where time has come to since the last of them, if it was written down.
    pub(crate) end: Option<End>,
}

impl StateFile {
    /// Opens a file or makes a new one, for this process alone.
    pub fn open(path: &Path) -> Result<Self, ExchangeError> {
        let wrong = |reason: String| ExchangeError::State { path: path.to_owned(), reason };
        let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
        let mut file = opened.map_err(|error| wrong(error.to_string()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(wrong("another process goes on with it; give each its own file".to_owned()));
            }
            Err(TryLockError::Error(error)) => return Err(wrong(format!("it cannot be locked: {error}"))),
        }
        let first = first_line(&mut file).map_err(|error| wrong(error.to_string()))?;
        let mut state = Self {
            path: path.to_owned(),
            file,
            length: 0,
            checksum: 0,
            is_broken: false,
            header: None,
            notes: Vec::new(),
        };
        if let Some(text) = checked(first.trim_end_matches('\n'), 0).filter(|_| first.ends_with('\n')) {
            state.header = Header::read(text.1);
            (state.length, state.checksum) = (first.len() as u64, text.0);
        }
        let is_cut_short = first.get(CHECKSUM_BYTES..).is_some_and(|text| text.starts_with(BEGINNING));
        if state.header.is_none() && !first.is_empty() && (!is_cut_short || first.ends_with('\n')) {
            return Err(wrong("it holds no state of an exchange; name a new file".to_owned()));
        }
        Ok(state)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// By how many microseconds history was shifted when it was begun; absent in a new file.
    #[must_use]
    pub fn shift_us(&self) -> Option<i64> {
        self.header.as_ref().map(|header| header.shift_us)
    }

    /// What is to be told about it.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Reads everything, if it is of this setup; a new file begins with it.
    pub(crate) fn read(&mut self, header: Header) -> Result<Kept, ExchangeError> {
        let path = self.path.clone();
        let wrong = |reason: String| ExchangeError::State { path: path.clone(), reason };
        if let Some(state) = &self.header {
            if let Some(difference) = header.difference(state) {
                return Err(wrong(format!("it is the state of something else: {difference}")));
            }
            let kept = self.read_lines().map_err(wrong)?;
            self.cut_off().map_err(|error| wrong(error.to_string()))?;
            return Ok(kept);
        }
        self.cut_off().and_then(|()| self.append(&header.written())).map_err(|error| wrong(error.to_string()))?;
        self.header = Some(header);
        Ok(Kept::default())
    }

    /// Reads what comes after the header. What is wrong with the last line is the end of a process
    /// or of power, and the line is left out; what is wrong before it is an error.
    fn read_lines(&mut self) -> Result<Kept, String> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.length)).map_err(|error| error.to_string())?;
        self.file.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        let mut kept = Kept::default();
        let mut rest = bytes.as_slice();
        let mut number = 1;
        while !rest.is_empty() {
            number += 1;
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (line, after) = end.map_or((rest, &[][..]), |at| (&rest[..at], &rest[at + 1..]));
            let read = match end {
                Some(_) => self.read_line(number, line, &mut kept),
                None => Err("it has no end".to_owned()),
            };
            match read {
                Ok(()) => self.length += line.len() as u64 + 1,
                Err(_) if after.is_empty() => {
                    self.notes.push(format!(
                        "{}: line {number}, the last one, is cut short; it is left out",
                        self.path.display()
                    ));
                    break;
                }
                Err(reason) => return Err(format!("line {number} is damaged: {reason}")),
            }
            rest = after;
        }
        Ok(kept)
    }

    fn read_line(&mut self, number: usize, line: &[u8], kept: &mut Kept) -> Result<(), String> {
        let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
        let (checksum, text) = checked(text, self.checksum).ok_or("its checksum is another one")?;
        self.checksum = checksum;
        if Line::is_request(text) {
            kept.lines.push((number, Arc::from(text)));
            kept.end = None;
            return Ok(());
        }
        match Line::read(text)? {
            Line::Back(to, stay) => {
                kept.lines.truncate(stay);
                kept.end = Some(End::Instant(to));
            }
            Line::Entry(place, entry) => {
                if entry == Entry::Mark {
                    kept.end = Some(End::Place(place));
                } else {
                    kept.lines.push((number, Arc::from(text)));
                    kept.end = None;
                }
            }
        }
        Ok(())
    }

    /// What is not whole at its end goes.
    fn cut_off(&mut self) -> io::Result<()> {
        self.file.set_len(self.length)
    }

    /// Writes a line. Where that fails, nothing of it is left in the file.
    pub(crate) fn append(&mut self, text: &str) -> io::Result<()> {
        if self.is_broken {
            return Err(io::Error::other("it could not be written before, nor be mended"));
        }
        let checksum = checksum(self.checksum, text);
        let line = format!("{checksum:08x} {text}\n");
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.is_broken = self.cut_off().is_err();
            return Err(error);
        }
        (self.length, self.checksum) = (self.length + line.len() as u64, checksum);
        Ok(())
    }
}

/// Up to the first end of a line, if it comes soon.
fn first_line(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    BufReader::new(file.take(HEADER_BYTES_MAX)).read_until(b'\n', &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn checksum(before: u32, text: &str) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(text.as_bytes());
    hasher.finalize()
}

/// The text of a line with its checksum, if that is right.
fn checked(line: &str, before: u32) -> Option<(u32, &str)> {
    let (told, text) = line.split_once(' ')?;
    let checksum = checksum(before, text);
    (told == format!("{checksum:08x}")).then_some((checksum, text))
}
