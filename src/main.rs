//! The program `ejf`: reads its arguments, runs one command, leaves with its exit code.

fn main() -> std::process::ExitCode {
    ejf::cli::run()
}
