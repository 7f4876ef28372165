// Package dag keeps the shape of the graph of records in memory and answers, exactly, how much work is stacked on each.
package dag
