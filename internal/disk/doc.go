// Package disk asks the system about the disk that a folder is on, and makes what is renamed there
// durable.
package disk
