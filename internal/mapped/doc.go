// Package mapped keeps large arrays in a file that is mapped into memory. Such data are derived:
// their owner can make them again from a database, which is the truth. So a file is used only if
// everything about it checks out, and a [BrokenError] always means "make it again".
//
// The nouns:
//
//   - A [File] is a row of pieces of up to about 64 KiB. An [Arena] holds values of one type in
//     such pieces, addressed by number. Without a file it holds them on the heap.
//   - The mapping is private: what the process changes stays in its memory, and a killed process
//     leaves the file as it was.
//   - A checkpoint brings the changes to the file and gives their memory back.
//   - The state is a second file beside the first. It says which pieces there are, what they hash
//     to, and of which moment they are (the [Stamp]). A rename puts a new state in place of the
//     old one: that is the moment at which a checkpoint counts.
//
// A checkpoint writes new pieces to the file first: the old state does not know them. The pages of
// old pieces that changed go into the new state. After the rename they are copied to their places
// in the file. If that is interrupted, Open does it again.
//
// The first touch of a piece compares it with its hash. Then pointers lead to it, and a touch costs
// one load more than that of a heap array. [File.Guard] runs what touches pieces: it turns a wrong
// hash, and a page that the disk does not give (SIGBUS), into an error.
//
// The kernel tells which pages of a private mapping the process has changed (/proc/self/pagemap on
// Linux). On other systems it does not, and the race detector knows nothing of mappings. There
// pieces are read into heap memory, and a checkpoint compares them all with their hashes.
//
// A File that is being built ([Create]) is mapped shared until its first checkpoint. So the kernel
// can write pages back while millions of values are filled in. It has no state until then.
package mapped
