// Command wasm measures in WebAssembly what a page waits for, and prints it
// as Go's benchmarks do. It runs under Node: see run.sh. Elsewhere it runs too,
// for comparison.
package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/underseal/underseal/envelope"
	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/internal/pubkey"
	"github.com/underseal/underseal/internal/wire"
)

const (
	tokens     = 1_000  // what one screen of a practice-management system holds at most
	signatures = 10_000 // a log of 100,000 operations, ten to an entry
)

func main() {
	if err := run(os.Stdout, tokens, signatures); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// run opens n tokens and verifies m signatures, several times each.
func run(out io.Writer, n, m int) error {
	open, err := opening(n)
	if err != nil {
		return err
	}
	checked, unchecked := func() error { return open(true) }, func() error { return open(false) }
	verify := verifying(m)
	for _, c := range []struct {
		name string
		runs int
		f    func() error
	}{
		{"WasmOpen/first", 1, checked}, // with code that is not yet compiled well
		{"", 20, checked},
		{"WasmOpen/records-checked", 9, checked},
		{"WasmOpen/records-unchecked", 9, unchecked},
		{"WasmVerify", 3, verify},
	} {
		for range c.runs {
			start, used := time.Now(), processor()
			if err := c.f(); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			if c.name == "" {
				continue
			}
			if _, err := fmt.Fprintf(out, "Benchmark%s 1 %d ns/op %d cpu-ns/op\n", c.name, time.Since(start), processor()-used); err != nil {
				return err
			}
		}
	}
	return nil
}

// opening makes n tokens of 16 bytes, each of its own record, spread over five
// fields, and returns what opens them all.
func opening(n int) (func(checked bool) error, error) {
	var keys []*fieldcrypt.Key
	for range 5 {
		dk, err := envelope.GenerateKey(envelope.KeyContext{Resource: make([]byte, 16), Kind: envelope.KindField, Epoch: 1})
		if err != nil {
			return nil, err
		}
		keys = append(keys, fieldcrypt.NewKey(dk))
	}
	texts, names := make([]string, n), make([]fieldcrypt.Name, n)
	for i := range texts {
		var err error
		if names[i], err = (fieldcrypt.Record{Connector: "clio", Kind: "matter", ID: fmt.Sprint(i)}).Name(); err != nil {
			return nil, err
		}
		if texts[i], err = keys[i%len(keys)].Seal(names[i], fieldcrypt.TextValue("202-224-3441 ext")); err != nil {
			return nil, err
		}
	}
	ring := fieldcrypt.NewRing(keys...)
	return func(checked bool) error {
		records := names
		if !checked {
			records = nil
		}
		for _, o := range ring.OpenBatch(texts, records) {
			if o.Err != nil || len(o.Value.Data) != 16 {
				return errors.Join(o.Err, errors.New("a token did not open"))
			}
		}
		return nil
	}, nil
}

// verifying makes a signature as in a log and returns what verifies it m
// times.
func verifying(m int) func() error {
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	public := ed25519.PublicKey(private[ed25519.SeedSize:])
	payload := make([]byte, 2000)
	sig := ed25519.Sign(private, wire.Labelled(wire.LabelEntry, payload))
	return func() error {
		for range m {
			if err := pubkey.Verify(public, wire.LabelEntry, payload, sig); err != nil {
				return err
			}
		}
		return nil
	}
}
