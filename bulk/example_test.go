package bulk_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/journaltest"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/connectortest"
	"github.com/underseal/underseal/workspace/workspacetest"
)

// Matter 3's social security number is sealed where it stands, and comes back.
func Example() {
	firm := workspacetest.NewFirm(&testing.T{}, "alice")
	clio := connectortest.NewMemory(connectortest.Settings{})
	ssn := clio.AddField(connector.Definition{Name: "SSN", Kind: "matter", Type: connector.TextLine})
	matter := clio.AddRecord("matter")
	clio.Put("matter", matter, ssn.ID, `"078-05-1120"`)

	ctx := context.Background()
	job, err := bulk.NewJob(ctx, bulk.Config{
		Workspace: firm.Open("alice"), Records: clio, Journal: journaltest.NewMemory(),
		Targets: []bulk.Target{{Field: ssn.ID}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := job.Plan(ctx)
	fmt.Println("to be sealed:", plan.Writes, err)
	_, err = job.Apply(ctx, plan)
	fmt.Println("a token:", clio.Peek("matter", matter, ssn.ID)[:5], err)
	report, err := job.Verify(ctx)
	fmt.Println("sealed:", report.Fields[0].Of(bulk.Sealed), err)
	_, err = job.Undo(ctx)
	fmt.Println(clio.Peek("matter", matter, ssn.ID), err)
	// Output:
	// to be sealed: 1 <nil>
	// a token: "us1. <nil>
	// sealed: 1 <nil>
	// "078-05-1120" <nil>
}
