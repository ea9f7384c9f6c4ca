//! Where a recording is written: a file, in the clear or sealed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use super::sealed::{Key, Sealing};

/// A file that grows.
pub(super) enum Kept {
    Plain(BufWriter<File>),
    Sealed(Box<Sealing<BufWriter<File>>>),
}

impl Kept {
    pub(super) fn create(path: &Path, key: Option<&Key>) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        Ok(match key {
            None => Self::Plain(file),
            Some(key) => Self::Sealed(Box::new(Sealing::new(key, file)?)),
        })
    }

    /// Ends the file. What it begins with is replaced by `head`, unless it is sealed: nothing in that can be mended.
    pub(super) fn finish(self, head: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(mut file) => {
                file.seek(SeekFrom::Start(0))?;
                file.write_all(head)?;
                file.flush()
            }
            Self::Sealed(sealing) => sealing.finish(),
        }
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Sealed(sealing) => sealing.write_all(bytes).map(|()| bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            // A chunk is sealed when it is full: half of one cannot be read by anybody.
            Self::Sealed(_) => Ok(()),
        }
    }
}
