//! Re-sealing every value under the newest master key, in batches, resumable: a value already under it is skipped.
