//! Files that appear whole or not at all: written beside their place, made durable, then renamed into it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// Writes a file; folders above it are made.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let (mut file, beside) = begin(path)?;
    file.write_all(content).map_err(|error| failed(path, error))?;
    finish(&file, &beside, path)
}

/// Opens the file that will be renamed to `path`.
pub(super) fn begin(path: &Path) -> Result<(File, PathBuf)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = folder.join(format!(".{name}.part"));
    let file = options().open(&beside).map_err(|error| failed(&beside, error))?;
    Ok((file, beside))
}

/// Makes the content durable and moves it to its place.
pub(super) fn finish(file: &File, beside: &Path, path: &Path) -> Result<()> {
    file.sync_all().map_err(|error| failed(beside, error))?;
    fs::rename(beside, path).map_err(|error| failed(path, error))
}

/// Reports hold the customer's values: the owner and the group of the folder may read them, nobody else.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options
}

/// Where reports go is a matter of settings: a full disk or a folder that may not be written.
pub(super) fn failed(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(Kind::Settings, format!("writing {}", path.display())).because(error)
}
