// Package sqlitejournal keeps the journal of bulk work in an SQLite file.
//
// [Open] opens or makes the file. It is the user's alone and holds ids and
// tokens, never a plaintext. It may be deleted at any time: no value is lost,
// but undo has nothing to go by.
//
// The file has no write-ahead log: a home may lie on a network file system,
// where that does not work, and bulk work commits twice for each page of
// records, so that speed is of no use. Every commit is flushed to the device.
//
// The package is empty for js/wasm. Its API may change until release 1.0.0;
// files are read by later releases.
package sqlitejournal
