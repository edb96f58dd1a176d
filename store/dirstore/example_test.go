package dirstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/dirstore"
)

// Two clients open one folder. Both append at the place where they believe
// the log ends: one wins, and the other reads what came before it.
func Example() {
	base, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(base) }() // an example's
	folder, ctx := filepath.Join(base, "firm"), context.Background()

	alice, err := dirstore.Create(folder, wire.OrganizationID{1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = alice.Close() }() // nothing is lost by it
	bob, err := dirstore.Open(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = bob.Close() }() // as above

	fmt.Println("alice:", alice.Append(ctx, 0, []byte("alice was here")))
	err = bob.Append(ctx, 0, []byte("bob was here"))
	fmt.Println("bob lost:", errors.Is(err, store.ErrConflict))
	entries, err := bob.Read(ctx, 0, 10)
	fmt.Printf("bob reads: %q %v\n", entries, err)
	fmt.Println("bob:", bob.Append(ctx, 1, []byte("bob was here")))
	// Output:
	// alice: <nil>
	// bob lost: true
	// bob reads: ["alice was here"] <nil>
	// bob: <nil>
}
