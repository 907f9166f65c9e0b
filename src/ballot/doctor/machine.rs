//! The machine that the box runs on: where memory could get onto a disk, or into another process (`privacy.md` S-11).
//!
//! What a newcomer would get wrong: the limit on core files does not hold where the kernel hands a crash to a program; what
//! holds for every process of the machine is the pattern, and for this one alone that it cannot be dumped.

use std::fs;
use std::path::Path;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit,
};

use super::{Check, Fault};
use crate::error::{Error, Result};

/// Examines the machine and what this process inherited; it is kept from being dumped on the way, as the service is.
pub fn examine() -> Result<Vec<Fault>> {
    let mut faults = examine_kernel(Path::new("/proc"));
    if getrlimit(Resource::Core).current != Some(0) {
        let found = getrlimit(Resource::Core).current.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
        faults.push(Fault::new(Check::CoreLimit, "RLIMIT_CORE", found, "0"));
    }
    forbid_core_dumps()?;
    if dumpable_behavior().map_err(Error::internal)? != DumpableBehavior::NotDumpable {
        faults.push(Fault::new(Check::Dumpable, "PR_SET_DUMPABLE", "1", "0"));
    }
    Ok(faults)
}

/// Keys and reviews are in this process's memory: a crash must not write it to a disk, nor another process read it.
pub fn forbid_core_dumps() -> Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(Error::internal)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(Error::internal)
}

/// What the kernel tells below `proc`; a file that is not there turns nothing on.
fn examine_kernel(proc: &Path) -> Vec<Fault> {
    let told = |name: &str| fs::read_to_string(proc.join(name)).unwrap_or_default();
    let mut faults = Vec::new();
    // The first line is the head of a table.
    for line in told("swaps").lines().skip(1) {
        let device = line.split_whitespace().next().unwrap_or_default();
        faults.push(Fault::new(Check::Swap, "/proc/swaps", device, "-"));
    }
    let pattern = told("sys/kernel/core_pattern");
    let pattern = pattern.trim();
    if pattern.starts_with('|') && pattern != "|/bin/false" {
        faults.push(Fault::new(Check::CorePattern, "kernel.core_pattern", pattern, "|/bin/false"));
    }
    let scope = told("sys/kernel/yama/ptrace_scope");
    if scope.trim() == "0" {
        faults.push(Fault::new(Check::Tracing, "kernel.yama.ptrace_scope", "0", "1"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_crash_handlers_and_open_memory_are_found() {
        let proc = tempfile::tempdir().unwrap();
        assert_eq!(examine_kernel(proc.path()), []);
        fs::create_dir_all(proc.path().join("sys/kernel/yama")).unwrap();
        let write = |name: &str, text: &str| fs::write(proc.path().join(name), text).unwrap();
        write("swaps", "Filename\tType\tSize\tUsed\tPriority\n");
        write("sys/kernel/core_pattern", "|/bin/false\n");
        write("sys/kernel/yama/ptrace_scope", "1\n");
        assert_eq!(examine_kernel(proc.path()), []);
        write("swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/dm-1 partition 8388604 0 -2\n");
        write("sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P %u %g\n");
        write("sys/kernel/yama/ptrace_scope", "0\n");
        let found: Vec<(Check, String)> =
            examine_kernel(proc.path()).into_iter().map(|fault| (fault.check, fault.found)).collect();
        assert_eq!(
            found,
            [
                (Check::Swap, "/dev/dm-1".to_owned()),
                (Check::CorePattern, "|/usr/lib/systemd/systemd-coredump %P %u %g".to_owned()),
                (Check::Tracing, "0".to_owned()),
            ]
        );
    }
}
