// Package backup writes a home to one file and reads it from there.
//
// The file is a tar archive. Its first entry says that it is a backup, of which version and which
// network. The files of the home follow, the database the last of them. The last entry has the
// SHA-256 of each: a file that was cut off lacks it.
package backup
