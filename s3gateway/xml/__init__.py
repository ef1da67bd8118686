"""XML documents: a bounded reader into simple trees and a fast writer."""
