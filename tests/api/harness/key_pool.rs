//! RSA keys of real size for tests that need many: made once, kept beside the test data, outside version control. What a
//! newcomer would get wrong: the product has no way to load them; only a test can start it with dealt keys.

use std::fs;
use std::path::PathBuf;

use ejf::credential::blind_rsa::IssuerKey;

/// The first `count` keys of the pool; those that are missing are made, seconds each, by one process at a time.
pub fn deal(count: usize) -> Vec<IssuerKey> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/rsa-3072-pool");
    fs::create_dir_all(&folder).unwrap();
    let lock = fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let mut missing: Vec<PathBuf> = Vec::new();
    let files: Vec<PathBuf> = (0..count).map(|number| folder.join(format!("{number:04}.der"))).collect();
    missing.extend(files.iter().filter(|file| !file.exists()).cloned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for share in missing.chunks(missing.len().div_ceil(cores).max(1)) {
            scope.spawn(move || {
                for file in share {
                    let unfinished = file.with_extension("new");
                    fs::write(&unfinished, IssuerKey::generate().unwrap().to_pkcs8_der().unwrap()).unwrap();
                    fs::rename(unfinished, file).unwrap();
                }
            });
        }
    });
    files.iter().map(|file| IssuerKey::from_pkcs8_der(&fs::read(file).unwrap()).unwrap()).collect()
}
