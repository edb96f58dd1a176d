//go:build js

// Command wasmsize links what a browser calls, so that its size can be
// measured before there are bindings (scripts/wasm-size.sh). It does nothing
// of use when run.
//
// Not among the calls, because no page makes them: whole files
// (connector/tabular, 126 KB after compression, most of it the JSON decoder
// that nothing else needs), and whatever officers alone do on the command line
// (mail, sharing of secrets, plans of removal). What a browser replays of them
// in the log, it does link.
package main

import (
	"os"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/workspace"
)

// calls are the entry points: the linker drops what nothing refers to. Not
// inlined, because the compiler then sees that nobody calls them.
//
//go:noinline
func calls() []any {
	return []any{
		keyring.NewIdentity, keyring.ParseIdentity, (*keyring.Identity).Unlock,
		workspace.Create, workspace.Join, workspace.Open,
		(*workspace.Workspace).Sync, (*workspace.Workspace).VerifyLog,
		(*workspace.Workspace).Members, (*workspace.Workspace).AddMember,
		(*workspace.Workspace).Fields, (*workspace.Workspace).NewField,
		(*workspace.Workspace).Grant, (*workspace.Workspace).Revoke,
		(*workspace.Workspace).WriteKey, (*workspace.Workspace).Ring,
		(*fieldcrypt.Key).Seal, (*fieldcrypt.Key).Record, (*fieldcrypt.RecordKey).AppendSeal,
		(*fieldcrypt.Ring).Open, (*fieldcrypt.Ring).OpenBatch,
	}
}

func main() { os.Exit(len(calls())) }
