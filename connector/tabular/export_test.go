package tabular

// WithChunk makes chunks of about n bytes, so that small inputs have many.
func WithChunk(o Options, n int) Options {
	o.chunk = n
	return o
}
