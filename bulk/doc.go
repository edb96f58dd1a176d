// Package bulk moves the values that an outside system holds already into
// tokens, in place, and back.
//
// Make a [Job] with [NewJob] for some fields of one account. [Job.Plan] reads
// and counts and changes nothing. [Job.Apply] makes what is missing, signs the
// fields into the log, writes the export, and seals. [Job.Verify] reads all of
// it anew. [Job.Undo] takes back what a job sealed, by its journal;
// [Job.Disable] opens whatever opens. Each can be ended at any instant and
// called again: a value is either a token that opens to what it was, or the
// plaintext that it was. The rules are spec/bulk.md.
//
// The package works over any connector.Records. What it remembers goes through
// [Journal], which holds no plaintext: bulk/sqlitejournal is one, and
// bulk/journaltest the suite for all.
//
// It compiles for js/wasm. Its API may change until release 1.0.0.
package bulk
