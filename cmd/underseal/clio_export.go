package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
)

// exportsFolder is where sealed copies go by default, in the home folder.
const exportsFolder = "exports"

// exporter writes the sealed copy of all values that are about to change.
type exporter struct {
	home homeDir
	path string // "" for no copy
	own  bool   // in the home folder, by a name of ours
	when string
}

// exporter decides where the copy goes; nothing is written yet.
func (x *account) exporter(f enableFlags) *exporter {
	e := &exporter{home: x.home, path: f.export, when: x.a.now().UTC().Format("20060102-150405")}
	if f.export == "" && !f.noCopy {
		e.own, e.path = true, e.name(1)
	}
	return e
}

// name is the n-th name to try.
func (e *exporter) name(n int) string {
	name := "clio-" + e.when
	if n > 1 {
		name = fmt.Sprintf("%s-%d", name, n)
	}
	return filepath.Join(string(e.home), exportsFolder, name+".jsonl")
}

// shown is the path for people.
func (e *exporter) shown() string { return e.path }

// check refuses a name that cannot be had, before anything is read.
func (e *exporter) check() error {
	if e.path == "" || e.own {
		return nil
	}
	if e.path == "-" {
		return withHint(fmt.Errorf("--export -: %w", errExportName), "--export names a file, which appears when it is whole")
	}
	if _, err := os.Lstat(e.path); err == nil {
		return withHint(fmt.Errorf("%s: %w", term.Escape(e.path), errOutputExists), "choose another --export; nothing was changed")
	}
	folder := filepath.Dir(e.path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return withHint(fmt.Errorf("%s: %w", term.Escape(folder), errExportName), "--export names a file in a folder that is there; nothing was changed")
	}
	return nil
}

// export is what bulk.Config takes; nil for no copy.
func (e *exporter) export() func(func(io.Writer) error) error {
	if e.path == "" {
		return nil
	}
	return e.write
}

// write makes the file, which appears when it is whole and on the disk. It is
// never written over another.
func (e *exporter) write(content func(io.Writer) error) error {
	if e.own {
		if err := durable.MkdirAll(filepath.Dir(e.path), durable.Private); err != nil {
			return err
		}
		for n := 2; n < 1000; n++ {
			if _, err := os.Lstat(e.path); err != nil {
				break
			}
			e.path = e.name(n)
		}
	}
	f, err := durable.Create(e.path, durable.Private)
	if err != nil {
		return outputError(e.path, err)
	}
	defer f.Abort()
	b := bufio.NewWriter(f)
	if err := content(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Commit(false)
}
