//! The record of what other editions of archives changed: `changes.jsonl` at the lake's root.

use parquet::file::reader::{ChunkReader, Length};

use crate::Lake;
use crate::error::LakeError;
use crate::store::Version;

const RECORD: &str = "changes.jsonl";

impl Lake {
    /// Adds a line to the record, unless it is there: whoever died between telling a change and
    /// making it tells it again.
    pub fn note_change(&self, line: &str) -> Result<(), LakeError> {
        let _lock = self.store.wait_for_lock(self.root(), "changes")?;
        let place = self.place(self.root().join(RECORD));
        let (mut text, version) = match place.content() {
            Ok((content, version)) => {
                let length = usize::try_from(Length::len(&content)).expect("a record of changes fits in memory");
                (content.get_bytes(0, length).map_err(LakeError::parquet(&place))?.to_vec(), version)
            }
            Err(error) if error.is_absence() => (Vec::new(), Version::Absent),
            Err(error) => return Err(error),
        };
        if text.split(|byte| *byte == b'\n').any(|known| known == line.as_bytes()) {
            return Ok(());
        }
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
        place.replace(text, &version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_noted_once() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::new(folder.path());
        for line in ["one", "two", "one", "two two"] {
            lake.note_change(line).unwrap();
        }
        assert_eq!(std::fs::read_to_string(folder.path().join(RECORD)).unwrap(), "one\ntwo\ntwo two\n");
        // Series are worked on side by side.
        std::thread::scope(|scope| {
            for n in 0..4 {
                scope.spawn({
                    let lake = &lake;
                    move || (0..10).for_each(|at| lake.note_change(&format!("{n} {at}")).unwrap())
                });
            }
        });
        assert_eq!(std::fs::read_to_string(folder.path().join(RECORD)).unwrap().lines().count(), 3 + 40);
    }
}
