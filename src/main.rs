//! Maps the command's result to an exit code; everything else is in the library.

fn main() {}
