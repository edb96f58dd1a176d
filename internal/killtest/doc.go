// Package killtest runs the built command against the simulated Clio, each as
// a process of its own, and lets happen to them what happens to processes:
// they are killed, run at once, lose their disk, their journal, their access.
// What was stored before, read by the plain API, is compared with what is
// there afterwards. doc/faults.md lists the faults with their tests.
//
// It holds nothing but tests.
package killtest
