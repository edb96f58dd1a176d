package main

import (
	"strings"
	"testing"

	"github.com/underseal/underseal/internal/testenv"
)

// The people of the firm, in the order in which they come: three of them become
// officers, and the groups are of these.
var (
	yearPeople = strings.Fields(`alice ben carla dora emma frank gina henry ivy jack
		kim liam mona nils olga paul quinn rosa sven tara
		uma vera walt xena yuri zoe adam bella cyril diana
		edgar fiona george hanna igor julia karl lena mario nora`)
	yearGroups = map[string][]string{
		"litigation": yearPeople[1:16],  // ben to paul
		"family law": yearPeople[12:28], // mona to bella
		"accounts":   yearPeople[30:36], // edgar to julia
	}
)

// A firm of forty lives through a year, by the command line alone, on a store
// in a folder. After each step everybody is asked for everything that was ever
// sealed, and must open what the oracle says and nothing else.
func TestYearOfAFirm(t *testing.T) {
	testenv.NotShort(t)
	t.Parallel()
	f := newFirm(t)
	for _, step := range []func(*yearFirm){
		yearFounded, yearInvited, yearGrouped, yearOfficers, yearBackups, yearDevices, yearLaptop, yearRotated,
		yearRemoved, yearGuest, yearMoved, yearRecovered, yearOfficerLeaves, yearAudit,
	} {
		step(f)
	}
}
