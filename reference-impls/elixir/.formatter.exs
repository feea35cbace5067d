[
  inputs: ["{mix,.formatter}.exs", "{adapters,config,directories,lib,test}/**/*.{ex,exs}"],
  line_length: 100
]
