package columns_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/underseal/underseal/bulk/columns"
	"github.com/underseal/underseal/connector/tabular"
	"github.com/underseal/underseal/workspace/workspacetest"
)

func Example() {
	ctx := context.Background()
	w := workspacetest.NewFirm(&testing.B{}, "alice").Open("alice") // see workspace.Create
	_ = w.NewField(ctx, "ssn")

	file := columns.File{Format: tabular.CSV, RecordID: "id"}
	ssn := []columns.Column{{Name: "ssn", Field: "ssn"}}
	var sealed, opened bytes.Buffer
	r, err := columns.Seal(ctx, w, strings.NewReader("id,name,ssn\n7,Ada,078-05-1120\n"), &sealed, file, ssn)
	fmt.Println(r.Columns[0].Replaced, err, strings.Contains(sealed.String(), "078"))
	_, err = columns.Open(ctx, w, &sealed, &opened, file, nil)
	fmt.Println(err)
	fmt.Print(opened.String())
	// Output:
	// 1 <nil> false
	// <nil>
	// id,name,ssn
	// 7,Ada,078-05-1120
}
