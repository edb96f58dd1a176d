package workspace

// Rebuilt tells why the cache did not serve.
func Rebuilt(w *Workspace) error { return w.rebuilt }
