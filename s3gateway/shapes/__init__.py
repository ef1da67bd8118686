"""Request and response documents of S3, one module a family: parsing trees into values, writing values as XML. Pure."""
