package table_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/connector/tabular/table"
)

// asked runs once, when somebody begins to wait for the end of the context: the
// file is open then.
type asked struct {
	context.Context
	once *sync.Once
	then func()
}

func (a asked) Done() <-chan struct{} {
	a.once.Do(a.then)
	return a.Context.Done()
}

// What another program saves while the file is copied is not lost.
func TestSavedWhileCopied(t *testing.T) {
	t.Parallel()
	const ours, theirs = "id,ssn\n1,one\n", "id,ssn\n1,one\n2,of somebody else\n"
	for name, save := range map[string]func(path string) error{
		"in place": func(path string) error { return os.WriteFile(path, []byte(theirs), 0o600) },
		"by a new file": func(path string) error {
			if err := os.WriteFile(path+".new", []byte(theirs), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := write(t, "a.csv", ours)
			tab := open(t, path, table.Options{Format: tabular.CSV, RecordID: "id"})
			page, err := tab.List(t.Context(), tabular.RecordKind, []string{"ssn"}, "")
			if err != nil {
				t.Fatal(err)
			}
			v, _ := page.Records[0].Value("ssn")
			if _, err := tab.Write(t.Context(), page.Records[0], []connector.Change{{Field: "ssn", ID: v.ID, Data: []byte(`"new"`)}}); err != nil {
				t.Fatal(err)
			}
			saved := false
			ctx := asked{t.Context(), new(sync.Once), func() {
				if err := save(path); err != nil {
					t.Error(err)
				}
				saved = true
			}}
			if err := tab.Flush(ctx); !errors.Is(err, connector.ErrConflict) || !saved {
				t.Errorf("%v, saved: %v", err, saved)
			}
			if got := read(t, path); got != theirs {
				t.Errorf("lost: %q", got)
			}
		})
	}
}
