//go:build !linux

package main

func detachTerminal() {}
