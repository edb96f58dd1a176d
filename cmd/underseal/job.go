package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/sqlitejournal"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/internal/durable"
	"github.com/underseal/underseal/internal/term"
)

// jobsFolder holds the journal and the reports, in the home folder.
const (
	jobsFolder  = "jobs"
	journalFile = "journal.sqlite"
)

func newJobCommand(a *app) *cobra.Command {
	return noun("job", "Bulk work: list it, watch it, resume it, undo it", `Bulk work that underseal clio enable and disable do, by the id that they name. What
this device remembers of it is in the home folder, under jobs, and holds no value.`,
		newJobListCommand(a), newJobWatchCommand(a), newJobResumeCommand(a), newJobUndoCommand(a))
}

// openJournal opens the journal, and makes it where there is none.
func (a *app) openJournal(ctx context.Context, home homeDir) (*sqlitejournal.Journal, error) {
	folder := filepath.Join(string(home), jobsFolder)
	if err := durable.MkdirAll(folder, durable.Private); err != nil {
		return nil, err
	}
	return sqlitejournal.Open(ctx, filepath.Join(folder, journalFile))
}

// jobs are all jobs that this device knows, the last first; none where there
// is no journal.
func (a *app) jobs(ctx context.Context, home homeDir) ([]bulk.JobInfo, error) {
	if _, err := os.Stat(filepath.Join(string(home), jobsFolder, journalFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	j, err := a.openJournal(ctx, home)
	if err != nil {
		return nil, err
	}
	defer func() { _ = j.Close() }() // only read
	return j.Jobs(ctx)
}

// findJob finds a job by its id, or a beginning that no other has; "" is the
// last that is not finished, or with any the last.
func (a *app) findJob(ctx context.Context, home homeDir, id string, wanted func(bulk.JobInfo) bool) (bulk.JobInfo, error) {
	jobs, err := a.jobs(ctx, home)
	if err != nil {
		return bulk.JobInfo{}, err
	}
	var found []bulk.JobInfo
	for _, j := range jobs {
		if id == "" && wanted(j) {
			return j, nil
		}
		if id != "" && len(id) <= len(j.ID) && j.ID[:len(id)] == id {
			found = append(found, j)
		}
	}
	if len(found) != 1 {
		if id == "" {
			return bulk.JobInfo{}, errNoJob
		}
		return bulk.JobInfo{}, fmt.Errorf("%s: %w", term.Escape(id), errNoJob)
	}
	return found[0], nil
}

type jsonJob struct {
	ID        string    `json:"id"`
	Direction string    `json:"direction"`
	State     string    `json:"state"`
	Account   string    `json:"account"`
	Fields    []string  `json:"fields"`
	Started   time.Time `json:"started"`
	Updated   time.Time `json:"updated"`
	Records   int64     `json:"records"`
	Changed   int64     `json:"changed"`
	Skipped   int64     `json:"skipped"`
}

func jsonJobOf(j bulk.JobInfo) jsonJob {
	out := jsonJob{
		ID: j.ID, Direction: string(j.Direction), State: string(j.State), Account: j.Place.Account, Fields: []string{},
		Started: j.Started.UTC(), Updated: j.Updated.UTC(), Records: j.Counts.Records, Changed: changedIn(j.Counts), Skipped: skippedIn(j.Counts),
	}
	for _, f := range j.Fields {
		out.Fields = append(out.Fields, f.Name)
	}
	return out
}

type jsonJobs struct {
	Jobs []jsonJob `json:"jobs"`
}

func newJobListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the jobs of this device", Args: noArgs,
		Long: "List the jobs of this device, the last first. It asks nobody.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.jobList(cmd.Context()) },
	}
}

func (a *app) jobList(ctx context.Context) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	jobs, err := a.jobs(ctx, homeDir(home))
	if err != nil {
		return err
	}
	out := jsonJobs{Jobs: []jsonJob{}}
	for _, j := range jobs {
		out.Jobs = append(out.Jobs, jsonJobOf(j))
	}
	if a.json {
		a.printJSON(out, nil)
		return nil
	}
	if len(out.Jobs) == 0 {
		a.say("there are no jobs yet")
		a.next("underseal clio enable NAME")
		return nil
	}
	t := a.table()
	t.row("JOB", "WHAT", "STATE", "STARTED", "FIELDS")
	for _, j := range out.Jobs {
		t.row(term.Escape(j.ID), term.Escape(j.Direction), term.Escape(j.State), age(j.Started, a.now()), someNames(j.Fields))
	}
	if err := t.flush(); err != nil {
		return err
	}
	for _, j := range out.Jobs {
		if j.State != string(bulk.Finished) {
			a.next("underseal job resume %s", term.Escape(j.ID))
			break
		}
	}
	return nil
}

func newJobWatchCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "watch [ID]", Short: "Follow a job that another process works on", Args: maxOneArg("ID"),
		Long: `Follow a job that another process works on, by its journal, until it is finished or
stopped. Without an ID it is the one that is not finished.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.jobWatch(cmd.Context(), first(args)) },
	}
}

// watchEvery is how often the journal is looked at.
const watchEvery = time.Second

func (a *app) jobWatch(ctx context.Context, id string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	j, err := a.findJob(ctx, homeDir(home), id, func(j bulk.JobInfo) bool { return j.State == bulk.Running })
	if id == "" && errors.Is(err, errNoJob) {
		return withHint(fmt.Errorf("%w that is running", errNoJob), "a stopped one goes on with: underseal job resume; all are in: underseal job list")
	} else if err != nil {
		return err
	}
	journal, err := a.openJournal(ctx, homeDir(home))
	if err != nil {
		return err
	}
	defer func() { _ = journal.Close() }() // only read
	last := ""
	for {
		if j, err = journal.Job(ctx, j.ID); err != nil {
			return err
		}
		tally, err := journal.Tally(ctx, j.ID)
		if err != nil {
			return err
		}
		line := fmt.Sprintf("%s: %s, %s written, %d skipped", term.Escape(j.ID), term.Escape(string(j.State)), count(tally.Done, "value", "values"), tally.Skipped)
		if line != last {
			last = line
			if a.json {
				a.printJSON(jsonWatched{Event: "watched", Job: jsonJobOf(j), Done: tally.Done, Skipped: tally.Skipped}, nil)
			} else {
				a.print("%s", line)
			}
		}
		if j.State != bulk.Running {
			return nil
		}
		if err := (connector.SystemClock{}).Sleep(ctx, watchEvery); err != nil {
			return err
		}
	}
}

type jsonWatched struct {
	Event   string  `json:"event"`
	Job     jsonJob `json:"job"`
	Done    int64   `json:"done"`
	Skipped int64   `json:"skipped"`
}

// maxOneArg wants one argument or none.
func maxOneArg(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return oneArg(name)(cmd, args)
		}
		return nil
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
