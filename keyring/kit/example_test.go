package kit_test

import (
	"fmt"
	"log"
	"time"

	"github.com/underseal/underseal/keyring/kit"
	"github.com/underseal/underseal/officer"
)

func Example() {
	org, member := officer.OrganizationID{1}, officer.MemberID{2} // of the member's workspace
	b, err := kit.New(officer.DevicePaperKit, org, "paper kit of 2 March")
	if err != nil {
		log.Fatal(err)
	}
	defer b.Destroy()

	added := b.Added(member) // goes into the log
	fmt.Println("added:", added.Kind())
	page, err := b.Paper(kit.Details{
		Organization: "Example LLP", Name: "Alice Adams", Email: "alice@example.com",
		Made: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
	}, kit.A4)
	if err != nil {
		log.Fatal(err)
	}
	defer page.Destroy()
	fmt.Println("a PDF:", string(page.Expose()[:5]))

	// The backup counts once what was printed was typed in again.
	typed := b.Words()
	defer typed.Destroy()
	c, err := kit.Parse(typed)
	if err != nil {
		log.Fatal(err)
	}
	defer c.Destroy()
	fmt.Println("rehearsed:", c.Rehearse(org, b.Keys().Record()) == nil)
	// Output:
	// added: device added
	// a PDF: %PDF-
	// rehearsed: true
}
