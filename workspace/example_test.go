package workspace_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/underseal/underseal/fieldcrypt"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/store"
	"github.com/underseal/underseal/store/storetest"
	"github.com/underseal/underseal/workspace"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func Example() {
	ctx := context.Background()
	alice := workspacetest.NewPerson(&testing.B{}, "alice") // see package keyring
	w, err := workspace.Create(ctx, workspace.Config{Identity: alice.Me, Local: alice.Home}, "Example LLP",
		func(id officer.OrganizationID) (store.Store, error) { return storetest.NewMemory(id), nil })
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := w.NewField(ctx, "phone"); err != nil {
		fmt.Println(err)
		return
	}
	key, err := w.WriteKey(ctx, "phone")
	if err != nil {
		fmt.Println(err)
		return
	}
	row, _ := fieldcrypt.Record{Connector: "tabular", ID: "7"}.Name()
	token, _ := key.Seal(row, fieldcrypt.TextValue("202-224-3441"))

	ring, _, err := w.Ring(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, binding, err := ring.Open(token, row)
	fmt.Println(string(v.Data), binding, err)
	// Output: 202-224-3441 bound <nil>
}
