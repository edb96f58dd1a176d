package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/officer"
)

// census tells whether a pass has met every record, as far as anybody can
// tell: a system that lets not everybody see everything may leave some out, and
// what they hold in a twin would go with it.
type census struct {
	job   *Job
	pass  string
	met   map[string]int64 // by kind, repeated ones once
	total map[string]int64 // as the system counted last
}

func (j *Job) newCensus() *census {
	j.run.passes++
	return &census{job: j, pass: j.run.pass + "-" + strconv.Itoa(j.run.passes), met: map[string]int64{}, total: map[string]int64{}}
}

// page counts a page of records of a kind.
func (c *census) page(ctx context.Context, kind string, p connector.Page) error {
	if p.Total >= 0 {
		c.total[kind] = int64(p.Total)
	}
	again, err := c.job.see(ctx, c.pass, p)
	c.met[kind] += int64(len(p.Records) - len(again)) // also of an empty list: it was read
	return err
}

// short are the kinds of which records are there that the pass has not met.
func (c *census) short(ctx context.Context) (map[string]bool, error) {
	j := c.job
	short := map[string]bool{}
	for kind, met := range c.met {
		if met < c.total[kind] {
			short[kind] = true
			j.run.find(nil, connector.Record{Kind: kind}, Absent, OtherTotal)
		}
	}
	jobs, err := j.c.Journal.Jobs(ctx)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	for _, info := range jobs {
		if j.sealedBy(info) {
			if err := c.unmet(ctx, info.ID, short); err != nil {
				return nil, err
			}
		}
	}
	return short, nil
}

// sealedBy tells whether a job sealed some of the fields.
func (j *Job) sealedBy(info JobInfo) bool {
	at := info.Organization == j.c.Workspace.Organization() && info.Place.Connector == j.place.Connector && info.Place.Account == j.place.Account
	return at && info.Direction.writesTokens() && slices.ContainsFunc(info.Fields, func(x JobField) bool {
		return slices.ContainsFunc(j.fields, func(f *field) bool { return f.ever[x.Resource] && x.Resource != officer.ResourceID{} })
	})
}

// unmet asks for the records that a job wrote to and the pass did not meet.
func (c *census) unmet(ctx context.Context, id string, short map[string]bool) error {
	j := c.job
	for after := (RecordID{}); ; {
		list, err := j.c.Journal.Unseen(ctx, c.pass, id, after, MaxLookup)
		if err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		for _, r := range list {
			after = r
			if _, read := c.met[r.Kind]; !read || short[r.Kind] {
				continue
			}
			switch _, err := j.c.Records.Get(ctx, r.Kind, r.ID, nil); {
			case err == nil:
				short[r.Kind] = true
				j.run.find(nil, connector.Record{Kind: r.Kind, ID: r.ID}, Absent, MissingRecord)
			case !errors.Is(err, connector.ErrNotFound):
				return err
			}
		}
		if len(list) < MaxLookup {
			return nil
		}
	}
}

// end forgets what was met.
func (c *census) end(ctx context.Context) error {
	if err := c.job.c.Journal.EndPass(context.WithoutCancel(ctx), c.pass); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
