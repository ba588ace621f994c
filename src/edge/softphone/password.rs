//! Passwords of agents: Argon2 hashes made and compared. Limits nobody; takes its time on purpose.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use aws_lc_rs::rand;

/// Longer ones are no passwords that anybody types.
pub const BYTES_MAX: usize = 512;
const SALT_BYTES: usize = 16;
/// More memory than this for one login would be an attack on ourselves.
const MEMORY_KIB_MAX: u32 = 262_144;
const ROUNDS_MAX: u32 = 16;

/// The hash of nobody's password, compared against for agents that do not exist: they cost the same.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5aXNoZXJlMTIzNA$a9lMGrWe9hQeN2AZqMHWKDt7cRlN9CC0mXEzaVg5dPo";

/// A hash as it stands in the configuration.
pub fn hash(password: &str) -> Option<String> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).ok()?;
    let hash: PasswordHash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

/// Why a hash cannot be used.
pub fn check(hash: &str) -> Result<(), &'static str> {
    let hash = PasswordHash::new(hash).map_err(|_| "it is not in the form $argon2id$...")?;
    if !hash.algorithm.as_str().starts_with("argon2") || hash.hash.is_none() || hash.salt.is_none() {
        return Err("it is of another kind, or lacks its end");
    }
    let of = |name: &str| hash.params.get_decimal(name).unwrap_or(0);
    if of("m") > MEMORY_KIB_MAX || of("t") > ROUNDS_MAX {
        return Err("it asks for more memory or rounds than a login may take");
    }
    Ok(())
}

/// Whether that is the password; takes as long where there is none.
pub fn is_right(hash: Option<&str>, password: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash.unwrap_or(NOBODY)) else { return false };
    let password = password.get(..BYTES_MAX.min(password.len())).unwrap_or_default();
    let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
    fits && hash.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_opens_its_own_hash_alone() {
        let own = hash("correct horse").expect("a hash");
        assert!(own.starts_with("$argon2id$v=19$"), "{own}");
        assert_ne!(hash("correct horse").as_ref(), Some(&own), "the salt is drawn");
        assert_eq!(check(&own), Ok(()));
        assert!(is_right(Some(&own), "correct horse"));
        assert!(!is_right(Some(&own), "correct hors"));
        assert!(!is_right(None, "correct horse"));
    }

    #[test]
    fn what_is_no_hash_of_use_is_refused() {
        for broken in [
            "",
            "plain",
            "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5aXNoZXJl",
            "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
        ] {
            assert!(check(broken).is_err(), "{broken}");
            assert!(!is_right(Some(broken), ""), "{broken}");
        }
        let greedy = NOBODY.replace("m=19456", "m=4000000");
        assert!(check(&greedy).is_err());
        assert_eq!(check(NOBODY), Ok(()), "nobody's takes as long as others");
    }
}
