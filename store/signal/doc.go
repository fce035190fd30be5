// Package signal speaks whatsmeow's store interfaces over the database.
package signal
