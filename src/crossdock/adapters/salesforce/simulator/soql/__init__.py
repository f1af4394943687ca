"""The subset of SOQL that integrations use: parse, bind to the metadata, run."""
