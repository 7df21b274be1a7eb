"""Writers: what people and programs are told about a run. They only consume."""
