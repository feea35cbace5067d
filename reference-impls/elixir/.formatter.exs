[
  inputs: ["{mix,.formatter}.exs", "{adapters,config,lib,test}/**/*.{ex,exs}"],
  line_length: 100
]
