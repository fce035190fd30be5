package store

import "database/sql"

// scanner is a row, of one or of many.
type scanner interface{ Scan(...any) error }

// collect reads all rows; it takes the results of Query.
func collect[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// pageSize gives a limit its default and its bound.
func pageSize(limit int) int {
	if limit <= 0 {
		return 25
	}
	return min(limit, 1000)
}

// changed takes the results of Exec and tells whether a row was changed.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}
