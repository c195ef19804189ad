//! Maps the command's result to an exit code; everything else is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    crossdock::cli::main()
}
