module chinwag/reference-impls/gobwas

go 1.26

require (
	github.com/gobwas/ws v1.5.0
	github.com/google/uuid v1.6.0
)

require github.com/gobwas/httphead v0.1.0 // indirect
