-- Statistics of a small file make SQLite read whole tables when it has grown.
DROP TABLE IF EXISTS sqlite_stat1;
DROP TABLE IF EXISTS sqlite_stat4;
