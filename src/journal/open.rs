//! Opening the journal's file safely: who owns the folder, is it ours, is it whole, is it from this version or older.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::failed;
use crate::error::{Error, Kind, Result};

/// Marks the file as ours in SQLite's header ("CDKJ").
const APPLICATION_ID: u32 = 0x4344_4B4A;

/// Numbered changes of the schema; a file's version is how many of them it has had. Never edited once released.
const SCHEMA: &[&str] = &[
    include_str!("schema/0001_first.sql"),
    include_str!("schema/0002_parked.sql"),
    include_str!("schema/0003_existing.sql"),
    include_str!("schema/0004_gates.sql"),
    include_str!("schema/0005_walk.sql"),
    include_str!("schema/0006_onward.sql"),
];

/// How long a command waits for a lock of SQLite itself. Only backups and readers of other processes hold one.
const BUSY: Duration = Duration::from_secs(10);

/// Bytes at the start of every SQLite file, version 3 (SQLite documentation, "Database File Format", section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The right to be the one daemon of a migration folder; held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder, or says who has it.
    ///
    /// # Errors
    /// `Settings` when the folder does not exist or is taken.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join("crossdock.lock");
        let wrong = |why: &str| Error::new(Kind::Settings, format!("folder {}: {why}", folder.display()));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| wrong("cannot be used").because(source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(std::fs::TryLockError::WouldBlock) => Err(wrong("another crossdock is running on it")),
            Err(std::fs::TryLockError::Error(source)) => Err(wrong("cannot be locked").because(source)),
        }
    }
}

pub(super) fn writer(path: &Path) -> Result<Connection> {
    let version = match inspect(path)? {
        None => {
            create_private(path)?;
            0
        }
        Some(version) => version,
    };
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if version > 0 {
        check_whole(&connection, path)?;
    }
    upgrade(&connection, version).map_err(|source| failed("preparing the file", source))?;
    configure(&connection).map_err(|source| failed("configuring the file", source))?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let options = "PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;";
    connection.execute_batch(options).map_err(|source| failed("configuring the reader", source))?;
    Ok(connection)
}

/// The schema version of the file, `None` when there is none or it is empty; refuses what is not ours without touching it.
pub(super) fn inspect(path: &Path) -> Result<Option<usize>> {
    let refused = |why: String| Error::new(Kind::Journal, format!("{}: {why}; it was left as it is", path.display()));
    let mut header = Vec::with_capacity(100);
    match File::open(path) {
        Ok(file) => file
            .take(100)
            .read_to_end(&mut header)
            .map_err(|source| refused("cannot be read".into()).because(source))?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused("cannot be opened".into()).because(error)),
    };
    if header.is_empty() {
        return Ok(None);
    }
    let word = |at: usize| header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    // user_version and application_id stand at offsets 60 and 68 of the header (same source as MAGIC).
    let (Some(version), Some(application)) = (word(60), word(68)) else {
        return Err(refused("is damaged: too short to be a journal".into()));
    };
    if !header.starts_with(MAGIC) {
        return Err(refused("is not a journal, or its first page is damaged".into()));
    }
    if application != APPLICATION_ID {
        return Err(refused("is an SQLite file of another program".into()));
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > SCHEMA.len() {
        let (made, known) = (version, SCHEMA.len());
        return Err(refused(format!("was made by a newer crossdock (schema {made}, this one knows {known})")));
    }
    Ok(Some(version))
}

fn create_private(path: &Path) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|source| Error::new(Kind::Journal, format!("creating {}", path.display())).because(source))
}

fn connect(path: &Path, access: OpenFlags) -> Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(PathBuf::from(path), flags)
        .and_then(|connection| connection.busy_timeout(BUSY).map(|()| connection))
        .map_err(|source| failed("opening the file", source))?;
    connection.set_prepared_statement_cache_capacity(64);
    // Without this, SQLite compiles a statement that could use a partial index anew for every value bound to it, which
    // took a quarter of a load's CPU time. Our plans do not depend on values.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(|source| failed("configuring the connection", source))?;
    Ok(connection)
}

/// Reads every page once. Damage found now costs a restore; found after more writes it costs the migration.
fn check_whole(connection: &Connection, path: &Path) -> Result<()> {
    let damaged = || Error::new(Kind::Journal, format!("{}: is damaged; restore it, or run recover", path.display()));
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|source| damaged().because(source))?;
    if verdict == "ok" { Ok(()) } else { Err(damaged().because(verdict)) }
}

/// Applies what the file has not had yet. Marks a new file as ours before it enters WAL mode, so that the marks are in
/// the file itself and not only in its log.
fn upgrade(connection: &Connection, version: usize) -> rusqlite::Result<()> {
    for (index, change) in SCHEMA.iter().enumerate().skip(version) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {change} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}; COMMIT;",
            index + 1
        ))?;
    }
    Ok(())
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; \
         PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn refusal(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        std::fs::write(&path, bytes).expect("written");
        let error = writer(&path).expect_err("refused");
        assert_eq!(std::fs::read(&path).expect("read"), bytes, "left as it was");
        error.chain()
    }

    fn a_journal() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.db");
        drop(writer(&path).expect("made"));
        (folder, path)
    }

    #[test]
    fn a_new_journal_is_private_and_opens_again() {
        let (_folder, path) = a_journal();
        let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(writer(&path).is_ok());
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_alone() {
        assert!(refusal(b"hello").contains("too short"));
        assert!(refusal(&[7; 4096]).contains("not a journal"));
        let (_folder, path) = a_journal();
        let mut newer = std::fs::read(&path).expect("read");
        newer[63] = 99;
        assert!(refusal(&newer).contains("newer crossdock"));
        let mut foreign = std::fs::read(&path).expect("read");
        foreign[71] ^= 1;
        assert!(refusal(&foreign).contains("another program"));
        let mut damaged = std::fs::read(&path).expect("read");
        let middle = damaged.len() / 2;
        damaged[middle..].fill(0xA5);
        assert!(refusal(&damaged).contains("is damaged"));
    }

    #[test]
    fn one_daemon_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let lock = FolderLock::take(folder.path()).expect("free");
        assert!(FolderLock::take(folder.path()).is_err());
        drop(lock);
        assert!(FolderLock::take(folder.path()).is_ok());
    }
}
