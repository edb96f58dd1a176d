// Package cliosim is a simulated Clio: the part of the API v4 of the practice
// management program that Underseal speaks to, with its OAuth pages, on this
// machine and without an account. Tests and demonstrations run against it;
// cmd/underseal-cliosim is the same as a program.
//
// # Use
//
// [Open] a file, [Sim.Seed] a firm, serve [Sim.Handler]; [Sim.Issue] gives a
// token without a page. [Sim.SetFaults] plans what goes wrong with which
// request, [Sim.SetSettings] changes the rules, [Sim.Person] does what
// somebody else does in Clio meanwhile, [Sim.Counters] and [Sim.Values] tell
// what came of it. The clock is the configuration's. Other processes find the
// same below /_sim, as JSON; no password keeps anybody away from it, so serve
// it on a loopback address only.
//
//	GET, PUT      /_sim/settings   [Settings], of which a PUT may have a part
//	GET, DELETE   /_sim/counters   [Counters]
//	PUT           /_sim/faults     {"faults": [[Fault]]}
//	POST          /_sim/index      [Sim.Index]
//	POST          /_sim/token      {"email", "app"}: [Sim.Issue]
//	POST          /_sim/revoke     {"token"} or {"email"}
//	POST          /_sim/expire     {"email"}: [Sim.ExpireTokens]
//	POST          /_sim/permit     {"email", "permissions"}: [Sim.Permit]
//	POST          /_sim/members    {"set", "fields"}: [Sim.SetMembers]
//	GET           /_sim/values     [Sim.Values]
//	POST          /_sim/person     {"email", "method", "path", "data"}: [Sim.Person]
//
// What was answered is in the file, whatever happens to the process then. One
// process serves a file at a time; others may seed it and issue tokens.
//
// # What the simulator does not reproduce
//
// It was written from Clio's public description and documentation. Where both
// are silent it does what is plausible, or what is harder on a client:
//
//   - The types of errors but ForbiddenError, ArgumentError and invalid_token,
//     and the wording of messages, but for "… is not a valid field" and
//     "custom field value for custom field … already exists".
//   - Parameters and attributes that are unknown are refused with 400; Clio
//     may pass over some. Filters that are described and not simulated are
//     refused the same way.
//   - An attribute that is described and not simulated is always null, or an
//     empty list.
//   - Which elements of custom_field_values are shown without ever having been
//     set: those of fields that are displayed, or that are in a set which is
//     displayed or goes with the record. Those are created like absent ones;
//     an element with an id and null is not.
//   - The values of deleted fields are kept and not answered; a deleted field
//     is answered by its id, and by lists with deleted=true only.
//   - The API has no way to put a field into a set (the description has none):
//     [Sim.SetMembers] does. Names of fields need not be unique.
//   - A required field must have a value where a record is created and the
//     field is displayed, and a request cannot empty it; a record that lacks
//     it can be changed otherwise. [Settings].LaxRequired turns it off.
//   - Lengths: 255 characters for text_line, email and url, 65,536 bytes for
//     text_area ([Settings]). "" is null.
//   - Normal forms: numbers as text in shortest form, money with two decimals
//     (both as JSON numbers by [Settings].JSONNumbers), times as 15:04:05;
//     contact, matter and picklist values as ids in text; email and url are
//     checked for their form.
//   - Every PATCH changes the etag, even one that changes nothing; so do
//     writes of custom field values. The ETag header is the etag attribute.
//   - A page by offset never goes past 10,000 records and an offset from there
//     on is 400. The form of page_token.
//   - The windows of the rate limit begin at whole minutes, and start anew
//     with the process. Answers that a fault gives before the request is
//     performed do not count against it.
//   - Authorization codes last ten minutes and are exchanged once; the answer
//     to deauthorize; an app may be allowed every loopback port
//     ([App].Loopback).
//   - /contacts of a matter are its client and its relationships; money is
//     not computed; who may see which matter is not simulated.
//   - Documents, folders, webhooks and the pages of the web application.
//
// It is for tests and demonstrations and promises no compatibility, of its
// file neither.
package cliosim
