// Package storetest checks the promises of the store contract on any
// implementation, and makes stores fail on purpose.
//
// Run is the one suite for all implementations. Memory is a store for tests
// of what stands on the contract. Faulty wraps a store and makes chosen calls
// fail, before or after they took effect; EveryFault runs a piece of work once
// for each call that it makes and each way in which that call can fail.
//
// It is for tests only: no program may import it. Its API may grow and change
// with the contract.
package storetest
