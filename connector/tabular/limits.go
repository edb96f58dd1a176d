package tabular

// Bounds on what is read from a file, each with its reason.
const (
	// MaxRecord bounds one row, its line ending included, in bytes. A row is
	// held in memory whole; eight cells of MaxCell fit. A quote that is never
	// closed is noticed here at the latest.
	MaxRecord = 16 << 20
	// MaxCell bounds one cell that is handed to a Transform, in bytes: the
	// token of the longest value that can be sealed (1 MiB) has 1.4 MiB.
	MaxCell = 2 << 20
	// MaxColumns bounds the columns of a CSV file, the members of one JSON
	// object, and the differently named columns that a Report lists: the
	// widest sheet that spreadsheet programs save.
	MaxColumns = 16384
	// MaxRecordID bounds a record id in bytes; it is what the name of a record
	// may hold.
	MaxRecordID = 1024

	// maxWorkers bounds memory on machines with very many cores, where
	// reading and writing have long become the limit.
	maxWorkers = 64
	// maxSpare is the capacity in bytes above which the room of a new value
	// is not kept for the next cell: tokens of ordinary values are far below.
	maxSpare = 1 << 10
	// maxIdleReads bounds reads that give neither bytes nor an error; it is
	// the number that package bufio has.
	maxIdleReads = 100
	// maxShown and maxNames bound what an error shows of a name, in bytes, and
	// how many names it lists: a terminal's width, and a screen.
	maxShown = 64
	maxNames = 40
)
