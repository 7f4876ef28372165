// Package disk asks the system about the disk that a folder is on.
package disk
