// Command vectors writes the test vectors of spec/ into a folder.
//
//	go run ./internal/vectors -out testdata/vectors
//
// It is a second implementation of what it writes. Encoding, derivations,
// X-Wing, HPKE, tokens and log entries are built here from primitives of the
// standard library and from spec/, not by the packages under test, which draw
// their own randomness. Of the project it takes the labels and BIP 39's list
// alone. Everything random comes from names, so the same files come out every
// time; none of it is fit for anything but tests.
package main

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "vectors:", err)
		os.Exit(1)
	}
}

func run(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("vectors", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "the `folder` to write to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" || flags.NArg() != 0 {
		return fmt.Errorf("say where to write: -out folder")
	}
	for name, file := range files() {
		b, err := encode(file)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(*out, name), b, 0o644); err != nil { //nolint:gosec // test data is for everybody
			return err
		}
	}
	return nil
}

// file is a file of vectors; V is what one of its vectors looks like.
type file[V any] struct {
	Format  string        `json:"format"`
	Version int           `json:"version"`
	Source  string        `json:"source"`
	Entries map[string]hx `json:"entries,omitempty"` // of files with logs, by name
	Vectors []V           `json:"vectors"`
}

func newFile[V any](format string, vectors []V) file[V] {
	return file[V]{Format: "underseal " + format + " vectors", Version: 1, Source: "make vectors", Vectors: vectors}
}

func files() map[string]any {
	logFile := newFile("log", []logVector(nil))
	logFile.Vectors, logFile.Entries = logVectors()
	groupFile := newFile("log-groups", []logVector(nil))
	groupFile.Vectors, groupFile.Entries = groupVectors()
	memberFile := newFile("log-members", []logVector(nil))
	memberFile.Vectors, memberFile.Entries = memberVectors()
	recoveryFile := newFile("log-recovery", []logVector(nil))
	recoveryFile.Vectors, recoveryFile.Entries = recoveryVectors()
	proposalFile := newFile("policy-proposal", []proposalVector(nil))
	proposalFile.Vectors, proposalFile.Entries = proposalVectors()
	evidenceFile := newFile("evidence", []evidenceVector(nil))
	evidenceFile.Vectors, evidenceFile.Entries = evidenceVectors()
	return map[string]any{
		"suite.json":       newFile("suite", suiteVectors()),
		"device.json":      newFile("device", deviceVectors()),
		"card.json":        newFile("card", cardVectors()),
		"envelope.json":    newFile("envelope", envelopeVectors()),
		"token.json":       newFile("token", tokenVectors()),
		"secret.json":      newFile("secret", secretVectors()),
		"pairing.json":     newFile("pairing", pairingVectors()),
		"last-seen.json":   newFile("last-seen", lastSeenVectors()),
		"invitation.json":  newFile("invitation", invitationVectors()),
		"backup.json":      newFile("backup", backupVectors()),
		"log.json":         logFile,
		"log-members.json": memberFile,
		"log-groups.json":  groupFile,

		"evidence.json":        evidenceFile,
		"log-recovery.json":    recoveryFile,
		"policy-proposal.json": proposalFile,
	}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// hx is bytes that JSON shows in hexadecimal.
type hx []byte

var _ encoding.TextMarshaler = hx(nil)

// MarshalText implements encoding.TextMarshaler.
func (h hx) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

// unhex reads a constant of this program.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// must is for what cannot fail on the constants of this program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
