package bench

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// sealedColumns are three of the thirteen columns of the people file.
func sealedColumns() []string { return []string{"birthday", "phone", "address"} }

// BenchmarkCSV seals three of thirteen columns of a file, from disk to disk,
// beside a plain copy program that seals the same cells with Tink. MB/s counts
// input; peak-MB is the process's own resident memory.
func BenchmarkCSV(b *testing.B) {
	f := workspacetest.NewFirm(b, "alice")
	w := f.Open("alice")
	for _, c := range sealedColumns() {
		if err := w.NewField(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	for _, rows := range []int{10_000, 100_000, 1_000_000} {
		in, size := peopleFile(b, rows)
		out := filepath.Join(b.TempDir(), "out.csv")
		run := func(name string, work func(io.Reader, io.Writer) error) {
			b.Run(fmt.Sprintf("%d/%s", rows, name), func(b *testing.B) {
				b.SetBytes(size)
				resetPeak()
				for b.Loop() {
					if err := fromTo(in, out, work); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(peak(b), "peak-MB")
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
		run("ours", func(r io.Reader, o io.Writer) error { return sealOurs(b, w, r, o) })
		run("tink", func(r io.Reader, o io.Writer) error { return sealTink(b, r, o) })
	}
}

func fromTo(in, out string, work func(io.Reader, io.Writer) error) error {
	r, err := os.Open(in) // #nosec G304 -- the benchmark's own file
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	o, err := os.Create(out) // #nosec G304 -- likewise
	if err != nil {
		return err
	}
	return errors.Join(work(r, o), o.Close())
}

func sealOurs(b *testing.B, w *workspace.Workspace, r io.Reader, o io.Writer) error {
	b.Helper()
	var cols []columns.Column
	for _, c := range sealedColumns() {
		cols = append(cols, columns.Column{Name: c, Field: c})
	}
	_, err := columns.Seal(b.Context(), w, r, o, columns.File{Format: tabular.CSV, RecordID: "id"}, cols)
	return err
}

// sealTink is what somebody would write in an afternoon: no checks of ids, no
// bytes kept, one key for a column and the row's id as associated data.
func sealTink(b *testing.B, r io.Reader, o io.Writer) error {
	b.Helper()
	keys := map[int]tink.AEAD{}
	in := csv.NewReader(bufio.NewReaderSize(r, 64<<10))
	in.ReuseRecord = true
	buffered := bufio.NewWriterSize(o, 64<<10)
	out := csv.NewWriter(buffered)
	id := -1
	for first := true; ; first = false {
		row, err := in.Read()
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		if first {
			for i, name := range row {
				if name == "id" {
					id = i
				}
				for _, c := range sealedColumns() {
					if name == c {
						keys[i] = newTink(b)
					}
				}
			}
		} else {
			for i, k := range keys {
				if row[i] == "" {
					continue
				}
				ct, err := k.Encrypt([]byte(row[i]), []byte(row[id]))
				if err != nil {
					return err
				}
				row[i] = base64.RawURLEncoding.EncodeToString(ct)
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return errors.Join(out.Error(), buffered.Flush())
}

func newTink(b *testing.B) tink.AEAD {
	b.Helper()
	h, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		b.Fatal(err)
	}
	a, err := aead.New(h)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// peopleFile is the people file repeated, with an id of its own for each row.
func peopleFile(b *testing.B, rows int) (path string, size int64) {
	b.Helper()
	data, err := os.ReadFile("../testdata/legislators.csv")
	if err != nil {
		b.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil || len(all) != 538 || len(all[0]) != 13 {
		b.Fatalf("people file: %d rows, %v", len(all), err)
	}
	path = filepath.Join(b.TempDir(), "people.csv")
	f, err := os.Create(path) // #nosec G304 -- the benchmark's own file
	if err != nil {
		b.Fatal(err)
	}
	w := csv.NewWriter(f)
	_ = w.Write(all[0]) // its error comes with Flush
	for i := range rows {
		row := append([]string(nil), all[1+i%537]...)
		row[0] += "-" + strconv.Itoa(i)
		_ = w.Write(row)
	}
	w.Flush()
	info, statErr := f.Stat()
	if err := errors.Join(w.Error(), statErr, f.Close()); err != nil {
		b.Fatal(err)
	}
	return path, info.Size()
}

// resetPeak makes the kernel forget the highest resident memory so far.
func resetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200) // Linux; elsewhere peak says 0
}

// peak is the highest resident memory since resetPeak, in MB.
func peak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			if err != nil {
				b.Fatal(err)
			}
			return n / 1000
		}
	}
	return 0
}
