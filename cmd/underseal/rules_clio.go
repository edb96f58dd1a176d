package main

import (
	"github.com/underseal/underseal/bulk"
	"github.com/underseal/underseal/bulk/sqlitejournal"
	"github.com/underseal/underseal/connector"
	"github.com/underseal/underseal/connector/clio"
	"github.com/underseal/underseal/internal/transport"
	"github.com/underseal/underseal/internal/transport/loopback"
	"github.com/underseal/underseal/keyring"
)

const (
	hintClioFields  = "see: underseal clio fields"
	hintReconnect   = "connect again: underseal clio connect"
	hintPermissions = "in Clio, give the application and your user the right to read and write custom fields, matters and contacts (doc/clio-setup.md)"
	hintReport      = "they are listed above; see also: underseal clio report"
)

// outsideRules are those for outside systems and for jobs.
func outsideRules() []rule {
	return []rule{
		{errNotConnected, classSetup, "run: underseal clio connect"},
		{errOtherAccount, classSetup, "first: underseal clio disconnect; or set UNDERSEAL_HOME to another folder"},
		{errNoRegistration, classSetup, "give --client-id and --client-secret-file, or ask whoever connected first for: underseal clio connect --share-with"},
		{errOtherRegion, classUsage, "leave --region and --base-url out, or give --client-id and --client-secret-file"},
		{errClientSecret, classInput, "--client-secret-file names a file whose first line is the application's secret, as Clio shows it"},
		{errDeclined, classConnection, "run it again and allow it, as somebody who may use custom fields"},
		{errNoBrowserCame, classConnection, "run it again; --no-browser prints the address to open"},
		{errCredentials, classConnection, "compare --client-id and the secret with Clio's developer pages; a wrong --region looks the same"},
		{loopback.ErrStrangers, classRefused, "some other program or page calls this machine's port; run it again with --port 0"},
		{errNoClioField, classInput, hintClioFields},
		{errClioAmbiguous, classInput, hintClioFields},
		{errNotProtected, classInput, hintClioFields},
		{errFieldName, classInput, "rename it in Clio; nothing was changed"},
		{errSealedInPlace, classInput, "underseal clio disable opens it; then enable it with --twin"},
		{errRenamed, classRefused, hintClioFields},
		{errNothingToDo, classInput, "protect a field first: underseal clio enable NAME"},
		{errNotSettled, classInput, "it is known as it is; " + hintClioFields},
		{errNoJob, classInput, "see: underseal job list"},
		{errNotUndoable, classInput, "what disable opened is sealed again by: underseal clio enable"},
		{errOtherJob, classRefused, "begin anew: underseal clio enable, or underseal clio disable"},
		{errExportName, classStorage, ""},
		{errNoReport, classInput, "a job that was killed has none; see: underseal job list"},

		{bulk.ErrNoJob, classInput, "see: underseal job list"},
		{bulk.ErrLeft, classLeft, hintReport},
		{bulk.ErrNotVerified, classRefused, hintReport},
		{bulk.ErrBusy, classBusy, "wait until it is done, or follow it: underseal job watch; one that was killed is over after two minutes"},
		{bulk.ErrLease, classBusy, "this process was too slow to be sure of its place; nothing is lost"},
		{bulk.ErrKeyChanged, classDenied, "somebody ended the field or took it from you meanwhile; see: underseal field list"},
		{bulk.ErrLength, classConnection, "this account may not make a field to try it on; ask somebody who may change custom fields to run it"},
		{bulk.ErrNotPutBack, classRefused, "do not delete the journal in the home folder; run it again, which puts the value back"},
		{bulk.ErrAltered, classRefused, "the value was put back and the field left alone; --twin seals it into a new field instead"},
		{bulk.ErrExport, classBusy, "records changed while they were copied; run it again"},
		{bulk.ErrTarget, classInput, hintClioFields},
		{sqlitejournal.ErrNewer, classNewer, hintNewer},
		{sqlitejournal.ErrDamaged, classStorage, "move the folder jobs out of the home folder and run enable again: no value is lost"},

		{clio.ErrSite, classUsage, "--region is us, ca, eu or au; --base-url is https://HOST, or http:// to this machine"},
		{connector.ErrUnauthorized, classConnection, hintReconnect},
		{connector.ErrForbidden, classConnection, hintPermissions},
		{connector.ErrWithheld, classConnection, "Clio shows no values of custom fields to this user, which is not the same as none; " + hintReconnect + " as somebody else"},
		{connector.ErrTooLong, classInput, "--twin seals into a new field of many lines instead"},
		{connector.ErrNotFound, classInput, "it was deleted in Clio meanwhile; " + hintClioFields},
		{connector.ErrConflict, classBusy, "somebody is changing it in Clio; run it again"},
		{connector.ErrUncertain, classUnavailable, "the network broke; run it again: what arrived is found, and nothing is done twice"},
		{connector.ErrUnavailable, classUnavailable, "check the network, then run it again"},
		{connector.ErrMalformed, classUnavailable, "is this a Clio? check --base-url and --region"},
		{connector.ErrRefused, classInput, "Clio does not take it; see its message in Clio's own pages"},
		{transport.ErrRefused, classUsage, "an address is https://HOST, or http:// to this machine"},
		{transport.ErrNotSent, classUnavailable, "check the network, then run it again"},
		{transport.ErrLost, classUnavailable, "check the network, then run it again"},
		{transport.ErrTooLarge, classUnavailable, "is this a Clio? check --base-url and --region"},
		{keyring.ErrSealed, classRefused, "the file was altered or belongs to another device: underseal clio disconnect --offline, then connect again"},
		{keyring.ErrSealedSize, classError, "Clio's tokens are longer than any that are known"},
	}
}
