//! Files that a user asked for: whole or not there, and nothing is overwritten unasked.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::failure::Failure;

/// Lets `fill` write a file, which appears under its name once it is complete.
pub(super) fn write<F>(path: &Path, force: bool, fill: F) -> Result<(), Failure>
where
    F: FnOnce(&mut BufWriter<File>) -> Result<(), Failure>,
{
    let shown = path.display();
    if path.exists() && !force {
        return Err(Failure::usage(anyhow::anyhow!("{shown} is there already; --force overwrites it")));
    }
    let Some(name) = path.file_name() else {
        return Err(Failure::usage(anyhow::anyhow!("{shown} is no name of a file")));
    };
    let temporary = path.with_file_name(format!(".{}.tmp", name.to_string_lossy()));
    let io = |error: std::io::Error| Failure::outside(anyhow::anyhow!("{shown}: {error}"));
    let written = File::create(&temporary).map_err(io).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        fill(&mut out)?;
        out.flush().map_err(io)?;
        out.get_ref().sync_all().map_err(io)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
        return written;
    }
    std::fs::rename(&temporary, path).map_err(io)
}
