package agent

// harden keeps the process's memory from core files.
func harden() { noCore() }
